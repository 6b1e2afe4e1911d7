/** Which frames of a stack to fetch, nearest first. */

/**
 * Indices around `current`, nearest first: ahead before behind when the reader moves, both sides when not,
 * at most `count` of them.
 */
export function nearestFirst(length: number, current: number, count: number, direction: -1 | 0 | 1, loops: boolean): number[] {
  const order: number[] = [current];
  const seen = new Set(order);
  const add = (index: number): void => {
    const at = loops ? ((index % length) + length) % length : index;
    if (at < 0 || at >= length || seen.has(at) || order.length >= count) return;
    seen.add(at);
    order.push(at);
  };
  const ahead = direction === 0 ? 1 : direction;
  for (let distance = 1; distance < length && order.length < Math.min(count, length); distance++) {
    add(current + ahead * distance);
    if (direction === 0) add(current - distance);
    else if (distance % 3 === 0) add(current - ahead * (distance / 3));
  }
  for (let distance = 1; distance < length; distance++) add(current - ahead * distance);
  return order;
}
