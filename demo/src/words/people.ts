/** Who is offered by name; anybody else can be typed. */
export const people = ["alice", "bob", "carol", "dave"] as const
