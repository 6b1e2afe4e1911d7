/** Cornerstone, started once: our viewport, our metadata, our tools. */

import { init as initCore, metaData, registerViewportType, RenderingEngine } from '@cornerstonejs/core';
import { addTool, annotation, Enums, init as initTools, ToolGroupManager, type Types } from '@cornerstonejs/tools';

import { CedarPan, CedarPinch, CedarScroll, CedarWindow, CedarZoom, DRAG_TOOLS } from './drag-tools.ts';
import { CedarAngle, CedarEllipse, CedarLength, CedarProbe, CedarRectangle, MEASURE_TOOLS } from './measure-tools.ts';
import { provideMetadata } from './registry.ts';
import { CedarViewport, VIEWPORT_TYPE } from './viewport.ts';

export const ENGINE = 'cedar';

export const TOOLS = {
  window: CedarWindow.toolName,
  scroll: CedarScroll.toolName,
  zoom: CedarZoom.toolName,
  pan: CedarPan.toolName,
  length: CedarLength.toolName,
  angle: CedarAngle.toolName,
  ellipse: CedarEllipse.toolName,
  rectangle: CedarRectangle.toolName,
  probe: CedarProbe.toolName,
} as const;

export type ToolName = keyof typeof TOOLS;

/** `init` of Cornerstone forgets the metadata providers when it is called twice. */
let engine: RenderingEngine | undefined;

export function startEngine(): RenderingEngine {
  if (engine) return engine;
  initCore({ rendering: { useCPURendering: true } } as never);
  initTools();
  registerViewportType({ type: VIEWPORT_TYPE, ViewportClass: CedarViewport } as never);
  metaData.addProvider(provideMetadata, 10_000);
  for (const tool of [...DRAG_TOOLS, ...MEASURE_TOOLS]) addTool(tool as never);
  annotation.config.style.setDefaultToolStyles(measureStyle() as never);
  engine = new RenderingEngine(ENGINE);
  return engine;
}

function measureStyle() {
  const styles = annotation.config.style.getDefaultToolStyles();
  return {
    ...styles,
    global: {
      ...styles.global,
      color: 'rgb(255, 214, 92)',
      colorHighlighted: 'rgb(120, 230, 255)',
      colorSelected: 'rgb(120, 230, 255)',
      lineWidth: '1.5',
      textBoxColor: 'rgb(255, 214, 92)',
      textBoxColorHighlighted: 'rgb(120, 230, 255)',
      textBoxColorSelected: 'rgb(120, 230, 255)',
      textBoxFontFamily: 'Inter, system-ui, sans-serif',
      textBoxFontSize: '13px',
      textBoxLinkLineDash: '2,3',
    },
  };
}

/** The tools of all panes together: one on the left button or one finger, zoom right, pan in the middle. */
export class ToolBox {
  private readonly group: Types.IToolGroup;
  private chosen: ToolName = 'window';

  constructor() {
    const group = ToolGroupManager.createToolGroup('cedar');
    if (!group) throw new Error('The viewer was started twice');
    this.group = group;
    for (const tool of [...DRAG_TOOLS, ...MEASURE_TOOLS]) group.addTool(tool.toolName);
    for (const tool of MEASURE_TOOLS) group.setToolPassive(tool.toolName);
    this.choose('window');
  }

  add(viewport: string): void {
    this.group.addViewport(viewport, ENGINE);
  }

  remove(viewport: string): void {
    this.group.removeViewports(ENGINE, viewport);
  }

  get current(): ToolName {
    return this.chosen;
  }

  choose(name: ToolName): void {
    const { Primary, Secondary, Auxiliary } = Enums.MouseBindings;
    const isMeasure = MEASURE_TOOLS.some((tool) => tool.toolName === TOOLS[this.chosen]);
    if (isMeasure) this.group.setToolPassive(TOOLS[this.chosen], { removeAllBindings: true });
    else this.group.setToolDisabled(TOOLS[this.chosen]);
    this.chosen = name;
    const bindings = (tool: string): object[] => [
      ...(tool === TOOLS[name] ? [{ mouseButton: Primary }, { numTouchPoints: 1 }] : []),
      ...(tool === TOOLS.zoom ? [{ mouseButton: Secondary }] : []),
      ...(tool === TOOLS.pan ? [{ mouseButton: Auxiliary }] : []),
    ];
    for (const tool of new Set([TOOLS.zoom, TOOLS.pan, TOOLS[name]])) {
      this.group.setToolActive(tool, { bindings: bindings(tool) as never });
    }
    this.group.setToolActive(CedarPinch.toolName, { bindings: [{ numTouchPoints: 2 }] });
  }
}
