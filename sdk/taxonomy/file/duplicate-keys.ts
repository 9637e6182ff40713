// Finds keys that stand twice in one object of a JSON text: JSON.parse keeps the last and says nothing. It expects text that JSON.parse accepts.

interface Frame {
  /** Keys so far; undefined in an array. */
  keys: string[] | undefined;
  /** The same, once there are many. */
  many: Set<string> | undefined;
  /** The key or position that is being read. */
  at: string | number;
}

/** The paths of keys that stand in their object already, at most `limit`. */
export function duplicateKeys(json: string, limit: number): (string | number)[][] {
  const found: (string | number)[][] = [];
  const stack: Frame[] = [];
  let top: Frame | undefined;
  let wantsKey = false;
  for (let i = 0; i < json.length; i++) {
    switch (json.charCodeAt(i)) {
      case 0x22: {
        // A string: a quotation mark behind an even number of backslashes ends it.
        let end = json.indexOf('"', i + 1);
        for (;;) {
          let back = end;
          while (json.charCodeAt(back - 1) === 0x5c) back--;
          if ((end - back) % 2 === 0) break;
          end = json.indexOf('"', end + 1);
        }
        if (wantsKey && top?.keys) {
          const raw = json.slice(i + 1, end);
          const key = raw.includes('\\') ? (JSON.parse(json.slice(i, end + 1)) as string) : raw;
          top.at = key;
          wantsKey = false;
          if (top.many ? top.many.has(key) : top.keys.includes(key)) {
            found.push(stack.map((frame) => frame.at));
            if (found.length >= limit) return found;
          } else if (top.many) top.many.add(key);
          else if (top.keys.push(key) > 16) top.many = new Set(top.keys);
        }
        i = end;
        break;
      }
      case 0x7b: // {
        top = { keys: [], many: undefined, at: '' };
        stack.push(top);
        wantsKey = true;
        break;
      case 0x5b: // [
        top = { keys: undefined, many: undefined, at: 0 };
        stack.push(top);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        stack.pop();
        top = stack[stack.length - 1];
        wantsKey = false;
        break;
      case 0x2c: // ,
        if (top?.keys) wantsKey = true;
        else if (top) (top.at as number)++;
        break;
      default:
    }
  }
  return found;
}
