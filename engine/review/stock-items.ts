/**
 * What a human can do about units that are held and not there: bring some (restock), or release some (cancel), and the item ends by itself.
 * `done`: somebody has seen to it, and what is short stays short.
 */

import type { ItemKind } from "./item-kind.js";

export const stockKind: ItemKind = { name: "stock_short", actions: { done: () => () => {} } };
