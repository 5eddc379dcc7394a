// Line icons on a 24 grid, drawn with the colour of the text around them.
const icon = (d: string) => () => (
  <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
    <path d={d} />
  </svg>
);

export const IconChat = icon("M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H10l-4.5 4v-4.3A2.5 2.5 0 0 1 4 13.3z");
export const IconModels = icon("M12 3.5 20 8v8l-8 4.5L4 16V8zM4.3 8.2 12 12.5l7.7-4.3M12 12.5v7.7");
export const IconSettings = icon("M4 7h9M17 7h3M4 17h3M11 17h9M15 9.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM9 19.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z");
export const IconPrompts = icon("M6 3.5h9L19 8v12.5H6zM14.5 3.5V8.5H19M9.5 12.5h6M9.5 16.5h4");
export const IconUsage = icon("M4 20h16M7 16.5V11M12 16.5V5M17 16.5V8.5");
export const IconCompare = icon("M4 5h6.5v14H4zM13.5 5H20v14h-6.5z");
export const IconArena = icon("M5 5l10 10M19 5 9 15M5 19l3.5-3.5M19 19l-3.5-3.5");
export const IconCatalog = icon("M4 5.5h16v13H4zM4 10h16M9.5 10v8.5M4 14.2h16");
export const IconNew = icon("M12 5v14M5 12h14");
export const IconSend = icon("M12 19V5.5M6 11l6-6 6 6");
export const IconCopy = icon("M9 9h9.5v10.5H9zM6 15H5V4.5h9.5v1");
export const IconDownload = icon("M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14");
export const IconWrap = icon("M4 6h16M4 12h12.5a2.8 2.8 0 0 1 0 5.6H12M14 15.2l-2.4 2.4L14 20M4 18h3.5");
export const IconEdit = icon("M5 19l.8-3.6L16 5.2l2.8 2.8L8.6 18.2zM14 7.2 16.8 10");
export const IconRetry = icon("M19 12a7 7 0 1 1-2-4.9M19 4v4.2h-4.2");
export const IconPin = icon("M9 4h6l-.7 6 3.2 3.5H6.5L9.7 10zM12 13.5V20");
export const IconFolder = icon("M4 7.5A1.5 1.5 0 0 1 5.5 6H9l2 2.5h7.5A1.5 1.5 0 0 1 20 10v7a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17z");
export const IconMore = icon("M5.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM11.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM17.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0z");
export const IconSearch = icon("M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20");
export const IconClose = icon("M6.5 6.5l11 11M17.5 6.5l-11 11");
export const IconLeft = icon("M14.5 6 8.5 12l6 6");
export const IconRight = icon("M9.5 6l6 6-6 6");
export const IconDown = icon("M12 5v13.5M6.5 13l5.5 5.5 5.5-5.5");
export const IconFold = icon("M7 10l5 5 5-5");
export const IconList = icon("M4.5 5h15v14h-15zM10 5v14");
export const IconTune = icon("M5 6h6M15 6h4M13 4v4M5 12h2M11 12h8M9 10v4M5 18h8M17 18h2M15 16v4");
export const IconContinue = icon("M6 5.5v13l7-6.5zM17 5.5v13");
export const IconTrash = icon("M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5");
export const IconCheck = icon("M5.5 12.5l4.5 4.5 8.5-10");

/** Stop is a filled square: it must be found without reading. */
export const IconStop = () => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" />
  </svg>
);
