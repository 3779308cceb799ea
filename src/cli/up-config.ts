import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { CONFIG_FILE } from '../control/explain.ts'
import { ConfigError, readConfig, type Config } from '../core/config.ts'
import type { UpOptions } from './up-options.ts'

/** The configuration that holds, and the folders that its relative paths start from. */
export interface UpConfig {
  readonly config: Config
  /** Of the configuration file; without one, the folder we were started in. */
  readonly configDir: string
  /** Absolute; relative ones start from the folder we were started in. */
  readonly stateDir: string
}

/**
 * Reads `--config`, else the `pilotlight.yaml` of the first folder of manifests, else that of the current folder, else
 * takes the defaults; flags go before the file.
 * @throws ConfigError naming the file and every field that is wrong.
 */
export function readUpConfig(options: UpOptions, cwd: string): UpConfig {
  const file = options.config === undefined ? findConfig(options.paths, cwd) : resolve(cwd, options.config)
  const configDir = file === undefined ? cwd : dirname(file)
  const written = withFlags(file === undefined ? {} : readFile(file), options)
  const config = readConfig(withAbsoluteFiles(written, configDir), file)
  return {
    config,
    configDir,
    stateDir: resolve(cwd, config.local.stateDir),
  }
}

function findConfig(paths: readonly string[], cwd: string): string | undefined {
  const folders = [...paths.map((path) => resolve(cwd, path)).filter(isFolder), cwd]
  return folders.map((folder) => join(folder, CONFIG_FILE)).find((file) => existsSync(file))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function readFile(file: string): Record<string, unknown> {
  try {
    const read: unknown = parse(readFileSync(file, 'utf8')) ?? {}
    if (typeof read !== 'object' || Array.isArray(read)) throw new Error('the top level has to be a mapping')
    return { ...read }
  } catch (error) {
    throw new ConfigError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

function withFlags(file: Record<string, unknown>, options: UpOptions): Record<string, unknown> {
  const sections = {
    gateway: defined({ host: options.host, port: options.port, workers: options.workers }),
    admin: defined({ port: options.adminPort }),
    local: defined({ stateDir: options.stateDir }),
  }
  const merged = { ...file }
  for (const [section, flags] of Object.entries(sections)) {
    const own = file[section] ?? {}
    // Something that is no mapping stays as it is: the schema names it.
    if (typeof own === 'object' && !Array.isArray(own)) merged[section] = { ...own, ...flags }
  }
  return merged
}

/** The files that `gateway.tls`, `gateway.upstreamTls`, `metrics.prometheus` and `redis` name, as absolute paths. */
function withAbsoluteFiles(config: Record<string, unknown>, dir: string): Record<string, unknown> {
  const absolute = (section: unknown): unknown =>
    isMapping(section)
      ? Object.fromEntries(
          Object.entries(section).map(([key, value]) =>
            // An empty path stays as it is: the schema names it.
            key.endsWith('File') && typeof value === 'string' && value !== ''
              ? [key, resolve(dir, value)]
              : [key, value],
          ),
        )
      : section
  const { gateway, metrics, redis } = config
  const sections = {
    redis: absolute(redis),
    metrics: isMapping(metrics)
      ? { ...metrics, ...defined({ prometheus: absolute(metrics['prometheus']) }) }
      : metrics,
    gateway: isMapping(gateway)
      ? {
          ...gateway,
          ...defined({ tls: absolute(gateway['tls']), upstreamTls: absolute(gateway['upstreamTls']) }),
        }
      : gateway,
  }
  return { ...config, ...defined(sections) }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function defined(flags: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
}
