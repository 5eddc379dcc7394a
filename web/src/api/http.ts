// One door to the server: the key travels in a header, never in an address, and every failure becomes an ApiError that
// says whose fault it is.
import { createSignal } from "solid-js";
import { stored } from "../state/stored";

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server was not reached
    message: string,
    readonly code = "",
  ) {
    super(message);
  }
}

export const [key, setKey] = stored("key", "");
export const [refused, setRefused] = createSignal(false); // the server asked for a key, or did not take ours
const [reached, setReached] = createSignal(true);
export { reached };

export async function request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  if (key()) headers.authorization = `Bearer ${key()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    response = await fetch(path, { method, headers, signal, ...(text === undefined ? {} : { body: text }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    setReached(false);
    throw new ApiError(0, "");
  }
  setReached(true);
  if (response.status === 401) setRefused(true);
  if (!response.ok) throw await failure(response);
  return response;
}

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await request(method, path, body, signal);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const { error } = await response.json();
    if (typeof error === "string") return new ApiError(response.status, error); // as Ollama's routes say it
    return new ApiError(response.status, String(error.message), String(error.code ?? ""));
  } catch {
    return new ApiError(response.status, `${response.status} ${response.statusText}`);
  }
}
