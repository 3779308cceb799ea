import type { FastifyReply, FastifyRequest } from 'fastify'
import { AdminError } from './errors.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * This API has no login: that it listens on loopback is what protects it, and a web page in the user's browser is
 * on loopback too. So a page must not reach it under its own name (DNS rebinding: the Host header tells), nor
 * send it changes from another origin (the Origin header tells).
 */
export function guardOrigin(allowedHosts: readonly string[]) {
  const allowed = new Set([...LOOPBACK, ...allowedHosts.map((host) => host.toLowerCase())])
  return async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    const authority = (request.headers.host ?? '').toLowerCase()
    const host = authority.replace(/:\d+$/, '')
    if (!allowed.has(host) && !allowed.has('*')) {
      throw new AdminError(
        'FORBIDDEN_HOST',
        `Host header: ${JSON.stringify(authority)} is not allowed; allowed are ${[...allowed].join(', ')}`,
      )
    }
    const { origin } = request.headers
    if (READING.has(request.method) || origin === undefined) return
    if (origin.toLowerCase() !== `http://${authority}` && origin.toLowerCase() !== `https://${authority}`) {
      throw new AdminError(
        'FORBIDDEN_ORIGIN',
        `Origin header: ${JSON.stringify(origin)} must not change anything here; only http://${authority} may`,
      )
    }
  }
}
