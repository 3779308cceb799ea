/**
 * Enough turns of the event loop for bytes written on one end of a local connection to be read on the other, so that
 * the next write arrives as a read of its own. Nothing depends on it but that more ways of reading are tried.
 */
export async function turn(turns = 2): Promise<void> {
  for (let left = turns; left > 0; left--) await new Promise<void>((resolve) => setImmediate(resolve))
}
