import { defineConfig } from 'vitest/config'

const code = ['router', 'activator', 'autoscaler', 'src', 'examples', 'scripts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [...code.map((folder) => `${folder}/**/*.test.ts`), 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/.venv/**', 'test/end-to-end/**', 'test/kubernetes/suite/**'],
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
      {
        // Inside the network of a test bed: npm run test:kubernetes.
        test: {
          name: 'kubernetes',
          include: ['test/kubernetes/suite/**/*.test.ts'],
          globalSetup: ['test/kubernetes/suite/global-setup.ts'],
          // All share one cluster on a small machine.
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
