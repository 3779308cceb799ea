import { isApiError, type KubeObject } from '../../kubernetes/api/index.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { reasonGiven } from '../cluster/refusals.ts'
import type { Read } from './finding.ts'

/** What was read, or why not: one thing that may not be read does not keep the others from being looked at. */
export async function attempt<T>(work: Promise<T>): Promise<Read<T>> {
  try {
    return { value: await work }
  } catch (error) {
    return { refused: reasonGiven(error) }
  }
}

/** The answer, or undefined where the API server has nothing of that name. @throws ApiError */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isApiError(error, 'NotFound')) return undefined
    throw error
  }
}

/** Whether the API server has something at a path. @throws ApiError */
export async function isServed({ client }: Pick<Cluster, 'client'>, path: string): Promise<boolean> {
  return (await ifThere(client.raw<KubeObject>('GET', path))) !== undefined
}
