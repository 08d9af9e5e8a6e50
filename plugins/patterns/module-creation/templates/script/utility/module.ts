/** Small functions for text and sequences. */

/**
 * A form of the text that fits into an address or a file name.
 *
 * Accents are dropped, everything but ASCII letters and digits becomes one
 * separator. Text without any letter or digit becomes the empty string.
 *
 * @param «js|{string} »text
 * @param «js|{string} »separator
 * @returns «js|{string} »the slug
 */
export function slugify(text«ts|: string», separator«ts|: string» = "-")«ts|: string» {
  const plain = text.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
  return (plain.match(/[a-z0-9]+/g) ?? []).join(separator);
}

/**
 * The text, cut to at most `width` UTF-16 units, the ellipsis included.
 *
 * @param «js|{string} »text
 * @param «js|{number} »width
 * @param «js|{string} »ellipsis
 * @returns «js|{string} »the text or its beginning
 */
export function truncate(text«ts|: string», width«ts|: number», ellipsis«ts|: string» = "...")«ts|: string» {
  if (width < ellipsis.length) {
    throw new RangeError(`width must be at least ${ellipsis.length}, not ${width}`);
  }
  if (text.length <= width) {
    return text;
  }
  return text.slice(0, width - ellipsis.length).trimEnd() + ellipsis;
}

/**
 * The items in arrays of `size`; the last array may be shorter.
 *
 * @template T
 * @param «js|{Iterable<T>} »items
 * @param «js|{number} »size
 * @returns «js|{T[][]} »the chunks
 */
export function chunked«ts|<T>»(items«ts|: Iterable<T>», size«ts|: number»)«ts|: T[][]» {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`size must be an integer of at least 1, not ${size}`);
  }
  const all = [...items];
  const chunks«ts|: T[][]» = [];
  for (let start = 0; start < all.length; start += size) {
    chunks.push(all.slice(start, start + size));
  }
  return chunks;
}
