/** Tools that drag the view: window, scroll, zoom, pan; and the two fingers of a touch screen. */

import { BaseTool } from '@cornerstonejs/tools';

export interface Drag {
  element: HTMLElement;
  /** CSS pixels since the last event. */
  dx: number;
  dy: number;
  /** Where the pointer is, in CSS pixels of the element. */
  at: [number, number];
  /** Change of the distance between two fingers. */
  spread: number;
  /** Distance between the fingers before the change; 0 with one pointer. */
  distance: number;
}

type Handler = (drag: Drag) => void;

const handlers = new Map<string, Handler>();

export function onDrag(tool: string, handler: Handler): void {
  handlers.set(tool, handler);
}

interface DragEvent {
  detail: {
    element: HTMLElement;
    deltaPoints: { canvas: [number, number] };
    currentPoints: { canvas: [number, number] };
    deltaDistance?: { canvas: number };
    currentPointsList?: { canvas: [number, number] }[];
  };
}

abstract class DragTool extends BaseTool {
  constructor(props: ConstructorParameters<typeof BaseTool>[0]) {
    super(props, { supportedInteractionTypes: ['Mouse', 'Touch'], configuration: {} });
  }

  mouseDragCallback(event: DragEvent): void {
    this.report(event);
  }

  touchDragCallback(event: DragEvent): void {
    this.report(event);
  }

  private report({ detail }: DragEvent): void {
    const [dx, dy] = detail.deltaPoints.canvas;
    const fingers = detail.currentPointsList ?? [];
    const distance =
      fingers.length > 1
        ? Math.hypot(fingers[0].canvas[0] - fingers[1].canvas[0], fingers[0].canvas[1] - fingers[1].canvas[1])
        : 0;
    handlers.get(this.getToolName())?.({
      element: detail.element,
      dx,
      dy,
      at: detail.currentPoints.canvas,
      spread: detail.deltaDistance?.canvas ?? 0,
      distance,
    });
  }
}

export class CedarWindow extends DragTool {
  static toolName = 'CedarWindow';
}

export class CedarScroll extends DragTool {
  static toolName = 'CedarScroll';
}

export class CedarZoom extends DragTool {
  static toolName = 'CedarZoom';
}

export class CedarPan extends DragTool {
  static toolName = 'CedarPan';
}

export class CedarPinch extends DragTool {
  static toolName = 'CedarPinch';
}

export const DRAG_TOOLS = [CedarWindow, CedarScroll, CedarZoom, CedarPan, CedarPinch];
