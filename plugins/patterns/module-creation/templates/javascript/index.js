/** «title» */
export * from "./«name».js";
