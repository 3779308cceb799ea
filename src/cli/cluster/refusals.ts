import { isApiError } from '../../kubernetes/api/index.ts'
import { CliError } from '../errors.ts'
import type { Cluster } from './cluster.ts'

/** What the API server said, without the request that it was said about. */
export function reasonGiven(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return isApiError(error) ? message.replace(/^(?:GET|POST|PUT|PATCH|DELETE) \S+: (?:\d{3} )?/, '') : message
}

/**
 * A failed request as people read it: exit code 3 when the API server did not answer, 1 otherwise.
 * @param what begins the sentence: `InferenceService ml/iris`.
 */
export function asCliError({ client }: Pick<Cluster, 'client'>, what: string, error: unknown): CliError {
  if (error instanceof CliError) return error
  const why = reasonGiven(error)
  if (isApiError(error, 'Unreachable', 'Timeout')) {
    const advice = 'Is the cluster up, and does the context of the kubeconfig name the right one?'
    return new CliError(
      'unreachable',
      `cannot reach the API server at ${client.server} (${why}). ${advice}`,
      {
        cause: error,
      },
    )
  }
  return new CliError('failed', `${what}: ${why}`, { cause: error })
}

/** `work`, its failure told by `asCliError`. */
export async function orCliError<T>(
  cluster: Pick<Cluster, 'client'>,
  what: string,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw asCliError(cluster, what, error)
  }
}
