// The one motif: a stroke of ink and a vermilion seal.
export const Mark = (props: { class?: string }) => (
  <svg class={`mark ${props.class ?? ""}`} viewBox="0 0 32 32" aria-hidden="true">
    <path class="mark-ink" d="M4 19.5C9 11 17 6.5 27.5 5.5 21 9.5 16.5 15 13.5 22c-1.3-2.6-5-3.6-9.5-2.5z" />
    <rect class="mark-seal" x="19" y="19" width="9" height="9" rx="2" />
  </svg>
);
