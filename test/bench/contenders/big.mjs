/** About 2 KiB of JSON of the kind that apps send: a list of records. */
export const BIG = Array.from({ length: 20 }, (_, index) => ({
  id: 1000 + index * 37,
  name: `record number ${index}`,
  price: Number((index * 13.37).toFixed(2)),
  tags: ["alpha", `tag${index % 5}`],
  active: index % 3 === 0,
}));
