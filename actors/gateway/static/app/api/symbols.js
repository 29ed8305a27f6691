/**
 * Which symbol the examples are about: the address's, the chart's, or the first that was heard of.
 */

/**
 * @param {import("../main.js").Context} context
 * @returns {{symbol: string, venue: string}} Both may be empty.
 */
export function currentSymbol({ store, url }) {
  const { query } = url.get();
  const chosen = store.get("chosen");
  const instruments = [...(store.get("instruments")?.values() ?? [])];
  const live = instruments.find((row) => Object.keys(row.heard ?? {}).length) ?? instruments[0];
  const symbol = query.api_symbol || chosen?.symbol || live?.symbol || "";
  const isChosen = symbol === chosen?.symbol;
  return { symbol, venue: isChosen ? (chosen.venue ?? "") : "" };
}
