// Tokens as people read them.

/** 950, 12.3k, 4.5M */
export const short = (n: number): string => n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
