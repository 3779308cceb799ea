// The compiler leaves the web page of the admin API behind: it is not TypeScript, and is served as it stands.
import { cpSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = (file) => fileURLToPath(new URL(file, import.meta.url))
cpSync(path('../src/admin/page'), path('../dist/src/admin/page'), {
  recursive: true,
  filter: (file) => !file.endsWith('.test.ts'),
})
