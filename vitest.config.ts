import { defineConfig } from 'vitest/config'

const code = ['router', 'activator', 'autoscaler', 'src', 'examples', 'scripts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [...code.map((folder) => `${folder}/**/*.test.ts`), 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/.venv/**', 'test/end-to-end/**'],
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/end-to-end/**/*.test.ts'],
          // Each starts the whole program and real model servers: one file at a time on a small machine.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
