import { summarize } from "«entry»";

const monday = summarize([12.5, 13.1, 12.9]);
const tuesday = summarize([11.8, 14.2]);
const week = monday.merge(tuesday);
console.log(`${week.count} values, mean ${week.mean.toFixed(2)}, deviation ${week.deviation.toFixed(2)}`);
