import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOST } from '../support/gateway-harness.ts'
import { bodyOf } from './http-reader.ts'
import { startOwnPath, type Path } from './paths.ts'
import { bytes, talk } from './talk.ts'

let path: Path
beforeAll(async () => {
  path = await startOwnPath()
})
afterAll(() => path.close())

const first = bytes(`GET /first HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)

describe('a replica that closes after an answer without saying so', () => {
  // A small body can be sent again; of a large one more has left than is kept.
  it.each([0, 1_000, 150_000])(
    'costs the request right behind nothing, with a body of %i bytes',
    async (length) => {
      path.replica.clear()
      path.replica.answer = ({ start }) => ({
        pieces: [bytes(`HTTP/1.1 200 OK\r\nContent-Length: ${start[1].length}\r\n\r\n${start[1]}`)],
        after: start[1] === '/first' ? 'end' : 'keep',
      })
      const upload = `POST /upload HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
      const { answers } = await talk(path.port, [Buffer.concat([first, bytes(upload)])], { answers: 2 })
      expect(answers.map(bodyOf)).toEqual(['/first', '/upload'])
      expect(path.replica.wrong).toEqual([])
    },
  )
})
