/** Who makes calls to the outside. Numbers stand in the log: never re-used. What each does with a report: `call-owners`. */
export const callOwners = { refund: 1, transaction: 2, late: 3 } as const;

export type OwnerKind = keyof typeof callOwners;
