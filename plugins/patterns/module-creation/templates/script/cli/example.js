import { count, render } from "«entry»";

const texts = { poem: "so much depends\nupon\n", note: "call back" };
console.log(render(Object.entries(texts).map(([name, text]) => [name, count(text)])));
