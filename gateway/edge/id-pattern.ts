/** What an id is, by itself: settings need it, and nothing else of the schemas. */
export const idPattern = "[A-Za-z0-9._:-]{1,64}";
