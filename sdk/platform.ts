// What differs between a page and a server: files, image decoding, workers, a cache on disk. Imported as `#platform`: package.json
// picks ./sdk/platform.ts (web standards only) or ./sdk/node/platform.ts (Node, Deno, Bun). Both export the same names and types.
