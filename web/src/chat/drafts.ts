// What was typed and not yet sent, one draft a conversation, kept over a reload.
import { read, write } from "../state/stored";

const name = (conversation: string | null) => `draft.${conversation ?? "new"}`;

export const draftOf = (conversation: string | null): string => read<string>(name(conversation)) ?? "";
export const keepDraft = (conversation: string | null, text: string): void => write(name(conversation), text);
