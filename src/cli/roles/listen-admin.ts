import type { FastifyInstance } from 'fastify'
import { CliError } from '../errors.ts'
import type { RoleContext } from './context.ts'

/** Opens the port of probes, metrics and, where it is part of the app, the admin API. @throws CliError */
export async function listenAdmin(
  { config, log }: RoleContext,
  app: FastifyInstance,
  cleanUp: AsyncDisposableStack,
): Promise<void> {
  cleanUp.defer(() => app.close())
  const { host, port } = config.admin
  const url = await app.listen({ host, port }).catch((error: Error) => {
    throw new CliError('failed', `admin: cannot listen on ${host}:${port}: ${error.message}`, {
      cause: error,
    })
  })
  log.info({ url }, 'probes and metrics are there')
}
