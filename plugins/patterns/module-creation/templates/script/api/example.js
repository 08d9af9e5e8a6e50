import { handle, Store } from "«entry»";

const store = new Store();
handle(store, "POST", "/items", JSON.stringify({ name: "pen" }));
console.log(handle(store, "GET", "/items").body);
