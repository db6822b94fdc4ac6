// Types of window.tracker, and of the functions that tracker.mjs exports.
// Payload types come from tracker-events.d.ts, which is generated from the event catalog.

import type { TrackerEvents } from "./tracker-events";

export interface ClickDetails {
  /** 1-based rank of the card in its list. */
  position?: number;
  /** All filters that were set, by name. */
  filters?: Record<string, unknown>;
  /** What trackResults or trackSage returned for the list. */
  view_id?: string;
}

export interface ResultsDetails {
  filters?: Record<string, unknown>;
  result_count?: number;
}

export interface SageAnswer {
  function_called: "apply_filters" | "search_experts";
  /** null when apply_filters was called and the count is not known. */
  result_count: number | null;
  /** Ids as listed, best first; at most 200. */
  expert_ids?: string[];
  zero_results?: boolean;
}

export interface Configuration {
  /** Address of the Tracker service, such as https://tracker.example.com. */
  endpoint?: string;
  /** "ignore" sends in spite of Global Privacy Control and Do Not Track. */
  privacySignals?: "honour" | "ignore";
}

/** Records an event. Never throws and never waits. */
export function trackEvent<Type extends string>(
  type: Type,
  ...payload: Type extends keyof TrackerEvents
    ? [payload: TrackerEvents[Type]]
    : [payload?: Record<string, unknown>]
): void;

/** Records what a filter was set to, once it rests for a second. Clearing it is silent. */
export function trackFilter(filter: string, value: unknown, resultCount?: number): void;

/** Records a click on an expert's card. */
export function trackCardClick(
  expertId: string, context: "grid" | "sage_panel", details?: ClickDetails): void;

/** Records a list of results; returns its view_id, or undefined under a privacy signal. */
export function trackResults(
  context: "grid" | "sage_panel", expertIds: string[], details?: ResultsDetails): string | undefined;

/** Records a question to Sage once `answer` is there; returns the view_id of its list. */
export function trackSage(
  query: string, answer: SageAnswer | Promise<SageAnswer>): string | undefined;

/** Attaches an e-mail address to everything this session did and will do. */
export function linkEmail(email: string): void;

/** Begins a new session; call it at logout. */
export function resetSession(): void;

/** For modules in a bundle: where to send, and whether to honour privacy signals. */
export function configure(configuration: Configuration): void;

declare global {
  interface Window {
    /** Absent where a blocker keeps the script away: call window.tracker?.trackEvent(...). */
    tracker?: {
      trackEvent: typeof trackEvent;
      trackFilter: typeof trackFilter;
      trackCardClick: typeof trackCardClick;
      trackResults: typeof trackResults;
      trackSage: typeof trackSage;
      linkEmail: typeof linkEmail;
      resetSession: typeof resetSession;
      configure: typeof configure;
    };
  }
}
