// The list of tests. Options: on: "mock" or "real" where a test needs that server, "both" where the two differ;
// without it the mock server alone does, since the browser's side is the same.
export const tests = [];
export const test = (name, run, options = {}) => tests.push({ name, run, on: "mock", ...options });
