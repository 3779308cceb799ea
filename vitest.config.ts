import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const code = ['router', 'activator', 'autoscaler', 'src', 'examples', 'scripts']

/** Looks back at what all other tests have made the product do. */
const LAST = '/test/kubernetes/suite/permissions.test.ts'

class LookingBackLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => Number(a.moduleId.endsWith(LAST)) - Number(b.moduleId.endsWith(LAST)))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LookingBackLast },
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
