import { expect, test } from 'vitest'
import { ReceiveWindow } from './window.ts'

test('room is given back when half of the window was consumed', () => {
  const window = new ReceiveWindow(100)
  expect(window.receive(100)).toBe(true)
  expect(window.consume(49, 100)).toBe(0)
  expect(window.consume(1, 100)).toBe(50)
  expect(window.receive(50)).toBe(true)
  expect(window.receive(1)).toBe(false)
})

test('a window that became smaller takes nothing until as much was consumed', () => {
  const window = new ReceiveWindow(100)
  expect(window.receive(80)).toBe(true)
  window.change(-60)
  expect(window.consume(80, 40)).toBe(80)
  expect(window.receive(40)).toBe(true)
  expect(window.receive(1)).toBe(false)
})

test('nothing consumed gives nothing back, whatever the window', () => {
  expect(new ReceiveWindow(0).consume(0, 0)).toBe(0)
})
