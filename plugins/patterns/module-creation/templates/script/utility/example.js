import { chunked, slugify, truncate } from "«entry»";

const titles = ["Crème brûlée", "A very long title that fits nowhere", "Plain"];
for (const pair of chunked(titles, 2)) {
  console.log(pair.map((title) => [slugify(title), truncate(title, 16)]));
}
