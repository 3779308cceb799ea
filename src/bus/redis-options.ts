import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { Log } from '../core/telemetry.ts'

export interface RedisBusOptions {
  /** `redis://host:port/db`, or `rediss://` for TLS. */
  readonly url: string
  /** PEM file with the CAs of a `rediss://` server; without it those that Node brings. */
  readonly caFile?: string | undefined
  /** File with the password, in place of the one in the URL; white space at its end is not part of it. */
  readonly passwordFile?: string | undefined
  /** What all names in Redis begin with: one Redis may serve several installations. */
  readonly prefix?: string
  /** This process: of a pod its name. */
  readonly name: string
  /** Names of the gateways that live, whether Redis knows of them or not: each has to answer what is asked. */
  readonly members?: () => readonly string[]
  readonly clock: Clock
  readonly random?: Random
  readonly log?: Log
  readonly askTimeoutMs?: number
}

/** What the files of the options hold. */
export interface RedisSecrets {
  /** PEM. */
  readonly ca: string | undefined
  readonly password: string | undefined
}

/** @throws Error naming `redis.caFile` or `redis.passwordFile` if it cannot be read. */
export async function readSecrets({
  caFile,
  passwordFile,
}: Pick<RedisBusOptions, 'caFile' | 'passwordFile'>): Promise<RedisSecrets> {
  const password = await read('redis.passwordFile', passwordFile)
  return { ca: await read('redis.caFile', caFile), password: password?.trimEnd() }
}

async function read(field: string, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${field}: cannot read ${file}`, { cause: error })
  }
}
