import { request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AdminError } from '../../admin/index.ts'
import type { Clock } from '../../core/clock.ts'

/** Says that a request was forwarded once: the pod that gets it answers itself. */
const FORWARDED = 'x-pilotlight-forwarded'
/** The node of a leader may be gone: nobody says so to who connects. */
const ANSWER_MS = 5_000

/**
 * Has another controller answer in place of this one. An answer that breaks off there breaks off here.
 * @param host of the leader; undefined where nobody is known to lead.
 * @throws AdminError NOT_READY where nobody leads.
 */
export async function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  { host, port, clock }: { readonly host: string | undefined; readonly port: number; readonly clock: Clock },
): Promise<void> {
  if (host === undefined || request.headers[FORWARDED] !== undefined) {
    throw new AdminError('NOT_READY', 'no controller leads at this moment; try again in some seconds')
  }
  reply.hijack()
  const { raw } = reply
  await new Promise<void>((resolve) => {
    const headers = { ...request.headers, [FORWARDED]: '1' }
    const sent = httpRequest(
      { host, port, path: request.url, method: request.method, headers, agent: false },
      (answer) => {
        patience.cancel()
        raw.writeHead(answer.statusCode ?? 502, answer.headers)
        pipeline(answer, raw, () => resolve())
      },
    )
    const late = (): void => void sent.destroy(new Error(`no answer within ${ANSWER_MS} ms`))
    const patience = clock.after(ANSWER_MS, late, { keepAlive: false })
    sent.on('error', (error) => {
      patience.cancel()
      if (raw.headersSent) raw.destroy()
      else {
        const body = {
          error: `the leading controller cannot be reached: ${error.message}`,
          code: 'NOT_READY',
        }
        raw.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
      resolve()
    })
    raw.once('close', () => sent.destroy())
    request.raw.pipe(sent)
  })
}
