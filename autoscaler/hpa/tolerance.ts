/** How far a ratio of usage to target may be from 1 until anything is done about it. Fractions: 0.1 is 10 %. */
export interface Tolerance {
  readonly down: number
  readonly up: number
}

/** With 0.1 both ways the edges 0.9 and 1.1 are within. NaN, nothing of nothing, never is. */
export function isWithin({ down, up }: Tolerance, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up
}
