import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { errorResponses } from '../schemas.ts'

/** Nothing is loaded from elsewhere, nothing inline runs, and no other site may frame the page. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const files = [
  { url: '/', file: 'index.html', type: 'text/html', summary: 'The web page' },
  { url: '/page.css', file: 'page.css', type: 'text/css', summary: 'The style of the web page' },
  {
    url: '/cards.css',
    file: 'cards.css',
    type: 'text/css',
    summary: 'The style of the parts of the web page',
  },
  { url: '/page.js', file: 'page.js', type: 'text/javascript', summary: 'The script of the web page' },
  { url: '/view.js', file: 'view.js', type: 'text/javascript', summary: 'The parts of the web page' },
  { url: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml', summary: 'The icon of the web page' },
] as const

/** The web page: files as they stand in `page/`, read once. */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  for (const { url, file, type, summary } of files) {
    const content = await readFile(new URL(`../page/${file}`, import.meta.url), 'utf8')
    app.get(
      url,
      {
        schema: {
          summary,
          tags: ['operations'],
          response: {
            200: { description: summary, content: { [type]: { schema: { type: 'string' } } } },
            ...errorResponses(),
          },
        },
      },
      async (_request, reply) =>
        reply
          .type(`${type}; charset=utf-8`)
          .header('content-security-policy', CONTENT_SECURITY_POLICY)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer')
          .header('cache-control', 'no-cache')
          .send(content),
    )
  }
}
