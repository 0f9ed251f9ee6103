// What a dashboard file may contain: Grafana's own types, as JSON has them (an enum is its value), and for each panel
// those of its plugin. What is not declared here or there is an error, so a misspelt field is found.
import type { Dashboard, AnnotationQuery, VariableModel } from "@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen";
import type { Panel, RowPanel, DataSourceRef, FieldConfig } from "@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as stateTimeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as statusHistory from "@grafana/schema/dist/esm/raw/composable/statushistory/panelcfg/x/StatusHistoryPanelCfg_types.gen";
import type * as timeSeries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer N extends number}`
        ? N
        : number
      : T extends (infer E)[]
        ? Json<E>[]
        : T extends object
          ? { [K in keyof T]: Json<T[K]> }
          : T;

// The query editor's fields of a Prometheus data source.
interface Target {
  refId: string;
  datasource: DataSourceRef;
  editorMode: "code" | "builder";
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
}

type Configured<Type extends string, Options, Custom> = Json<
  Omit<Panel, "type" | "options" | "targets" | "fieldConfig">
> & {
  type: Type;
  options: Json<Options>;
  targets: Target[];
  fieldConfig: {
    defaults: Json<Omit<FieldConfig, "custom">> & { custom?: Json<Custom> };
    overrides: { matcher: { id: "byRegexp"; options: string }; properties: { id: string; value: unknown }[] }[];
  };
};

type AnyPanel =
  | Json<RowPanel>
  | Configured<"timeseries", timeSeries.Options, timeSeries.FieldConfig>
  | Configured<"stat", stat.Options, never>
  | Configured<"heatmap", heatmap.Options, heatmap.FieldConfig>
  | Configured<"status-history", statusHistory.Options, statusHistory.FieldConfig>
  | Configured<"state-timeline", stateTimeline.Options, stateTimeline.FieldConfig>;

// The fields that a Prometheus data source adds to an annotation.
type Annotation = Json<AnnotationQuery> & { expr?: string; step?: string; titleFormat?: string; textFormat?: string };

// Grafana itself leaves the present value empty until it has asked.
type Variable = Json<Omit<VariableModel, "current">> & { current: Json<VariableModel["current"]> | {} };

export type File = Omit<Json<Dashboard>, "id" | "panels" | "annotations" | "templating"> & {
  id: null;
  panels: AnyPanel[];
  annotations: { list: Annotation[] };
  templating: { list: Variable[] };
};
