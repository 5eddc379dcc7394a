// What went wrong, in words: what happened, whose fault it is, what to do.
import { ApiError } from "../api/http";
import { t } from "../words/words";
import { sayFault } from "./toast";

export function faultText(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error instanceof Error ? error.message : error);
  if (error.status === 0 && !error.message) return t("fault.network");
  if (error.status === 401) return t("fault.key");
  return error.message;
}

/** Runs what a click asked for; a failure is told, never lost. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    sayFault(faultText(error));
    return undefined;
  }
}
