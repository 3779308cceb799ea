import { expect, it } from 'vitest'
import type { Replica } from '../core/replica.ts'
import { TablePublisher, type Tables } from './tables.ts'

const REPLICAS: readonly Replica[] = []

it('hands tables out when replicas or routes are others, and not otherwise', () => {
  const handedOut: Tables[] = []
  const publisher = new TablePublisher((tables) => handedOut.push(tables))
  publisher.publish([], REPLICAS)
  publisher.publish([], REPLICAS)
  expect(handedOut).toHaveLength(1)
  publisher.publish([], [])
  expect(handedOut).toHaveLength(2)
  // Whoever compares sees that only the replicas are new.
  expect(handedOut[1]?.routes).toBe(handedOut[0]?.routes)
  publisher.outdated()
  publisher.publish([], REPLICAS)
  expect(handedOut[2]?.routes).not.toBe(handedOut[0]?.routes)
})
