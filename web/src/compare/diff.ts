// What two answers do not have in common: word by word, and Chinese character by character.
import { diffArrays } from "diff";

export interface Piece {
  text: string;
  kind: "same" | "removed" | "added";
}

const parts = (text: string): string[] => text.match(/\p{Script=Han}|[\p{L}\p{M}\p{N}_]+|\s+|[^]/gu) ?? [];
const patienceMs = 1000; // of one comparison: texts with nothing in common take the square of their length

/** Nothing if they are too far apart to be compared. */
export function differences(before: string, after: string): Piece[] | undefined {
  const changes = diffArrays(parts(before), parts(after), { timeout: patienceMs });
  return changes?.map(({ value, added, removed }) => ({ text: value.join(""), kind: added ? "added" : removed ? "removed" : "same" }));
}
