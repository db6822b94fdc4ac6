// Payloads by event type, made from the event catalog by `make docs`.

export interface TrackerEvents {
  /** A visitor opened an expert's card, in the grid or in Sage's answer. */
  "card_click": {
    expert_id: string;
    context: "grid" | "sage_panel";
    position?: number | null;
    filters?: Record<string, unknown> | null;
    view_id?: string | null;
    [key: string]: unknown;
  };
  /** A visitor asked Sage, and Sage answered; sent when the answer is there. */
  "sage_query": {
    query_text: string;
    function_called: "apply_filters" | "search_experts";
    result_count?: number | null;
    expert_ids: (string)[];
    zero_results?: boolean | null;
    view_id?: string | null;
    [key: string]: unknown;
  };
  /** A visitor set a filter. Only setting counts; clearing one sends nothing. */
  "filter_change": {
    filter: string;
    value: boolean | number | string | unknown[];
    result_count: number;
    [key: string]: unknown;
  };
  /** A list of experts was shown: the impressions that click-through is divided by. */
  "results_shown": {
    view_id: string;
    context: "grid" | "sage_panel";
    expert_ids: (string)[];
    filters?: Record<string, unknown> | null;
    result_count?: number | null;
    [key: string]: unknown;
  };
  /** A visitor pressed the button that creates a trip. */
  "create_trip__cta--generate": {
    [key: string]: unknown;
  };
  /** A visitor switched between one way and round trip. */
  "create_trip__toggle--roundtrip": {
    [key: string]: unknown;
  };
  /** A visitor fixed the route, or left it open. */
  "create_trip__toggle--route_lock": {
    [key: string]: unknown;
  };
  /** A visitor opened a section of the trip form. */
  "create_trip__section--expand": {
    [key: string]: unknown;
  };
  /** The app reloaded itself because a part of it could not be fetched. */
  "app__chunk_recovery--reload": {
    [key: string]: unknown;
  };
}
