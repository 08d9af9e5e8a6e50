/** Counts lines, words and characters of texts. */

«ts|/** How much text there is. */
export interface Counts {
  lines: number;
  words: number;
  characters: number;
}

»«js|/** @typedef {{lines: number, words: number, characters: number}} Counts how much text there is */

»/**
 * Counts a text. A last line without an end counts as a line.
 *
 * @param «js|{string} »text
 * @returns «js|{Counts} »its counts
 */
export function count(text«ts|: string»)«ts|: Counts» {
  return {
    lines: (text.match(/\n/g) ?? []).length + (text === "" || text.endsWith("\n") ? 0 : 1),
    words: (text.match(/\S+/g) ?? []).length,
    characters: [...text].length,
  };
}

/**
 * One aligned line per row, and a total if there is more than one row.
 *
 * @param «js|{[string, Counts][]} »rows names and counts
 * @returns «js|{string} »the lines
 */
export function render(rows«ts|: [string, Counts][]»)«ts|: string» {
  const all = [...rows];
  if (rows.length > 1) {
    const total = { lines: 0, words: 0, characters: 0 };
    for (const [, counts] of rows) {
      total.lines += counts.lines;
      total.words += counts.words;
      total.characters += counts.characters;
    }
    all.push(["total", total]);
  }
  return all
    .map(([name, { lines, words, characters }]) =>
      [lines, words, characters].map((value) => String(value).padStart(8)).join("") + `  ${name}`,
    )
    .join("\n");
}
