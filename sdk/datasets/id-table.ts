// Ids of images to their positions, in little memory: a hash table over typed arrays for integers, a Map for texts.

const free = -1;

/** Positions 0, 1, 2, ... by id, in the order in which ids come. About 24 bytes an integer. 1 and "1" are different ids. */
export class IdTable {
  #keys = new Float64Array(1024);
  #places = new Int32Array(1024).fill(free);
  #numbers = 0;
  readonly #texts = new Map<string, number>();

  get size(): number {
    return this.#numbers + this.#texts.size;
  }

  /** The position of an id, or -1. */
  find(id: number | string): number {
    return typeof id === 'string' ? (this.#texts.get(id) ?? -1) : this.#places[this.#slot(id)]!;
  }

  /** Adds an id. Returns false where it is there already. */
  add(id: number | string): boolean {
    if (typeof id === 'string') {
      if (this.#texts.has(id)) return false;
      this.#texts.set(id, this.size);
      return true;
    }
    const slot = this.#slot(id);
    if (this.#places[slot] !== free) return false;
    this.#keys[slot] = id;
    this.#places[slot] = this.size;
    // Half full at most.
    if (++this.#numbers * 2 > this.#keys.length) this.#grow();
    return true;
  }

  #slot(id: number): number {
    const mask = this.#keys.length - 1;
    // Both halves of the integer count; the factor spreads neighbours (Knuth's multiplicative hash).
    let slot = (Math.imul((id | 0) ^ Math.imul(Math.floor(id / 4294967296), 0x27d4eb2d), 0x9e3779b1) >>> 7) & mask;
    while (this.#places[slot] !== free && this.#keys[slot] !== id) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, places] = [this.#keys, this.#places];
    this.#keys = new Float64Array(keys.length * 2);
    this.#places = new Int32Array(keys.length * 2).fill(free);
    for (let i = 0; i < keys.length; i++) {
      if (places[i] === free) continue;
      const slot = this.#slot(keys[i]!);
      this.#keys[slot] = keys[i]!;
      this.#places[slot] = places[i]!;
    }
  }
}
