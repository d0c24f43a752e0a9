// Wires, and the wire that is being drawn, which says why it is refused.

import {memo} from "react";
import {BaseEdge, getBezierPath} from "@xyflow/react";
import {refusal} from "./document.js";
import {edgeStateOf, get, useStore} from "./store.js";

export const WorkflowEdge = memo(function WorkflowEdge(props) {
  const {id, source, target, sourceHandleId, selected, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition} = props;
  const state = useStore((s) => edgeStateOf(s, id, source, sourceHandleId, target));
  const [path, middleX, middleY] = getBezierPath({sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition});
  return (
    <g className="awe-edge" data-testid={`edge-${id}`} data-state={state} data-selected={selected || undefined}
      aria-label={`Wire from ${source} to ${target}, ${state}`}>
      <BaseEdge id={id} path={path} interactionWidth={18} />
      {/* a straight wire has no height: this gives it one, and a middle to click on */}
      <rect x={middleX - 8} y={middleY - 8} width="16" height="16" fill="transparent" />
    </g>
  );
});

export const edgeTypes = {awe: WorkflowEdge};

/** The wire from React Flow's connection, whichever end it was begun at. */
export function drawn({fromNode, fromHandle, toNode, toHandle}) {
  const forward = fromHandle?.type !== "target";
  const [a, b] = [{node: fromNode?.id, handle: fromHandle?.id}, {node: toNode?.id, handle: toHandle?.id}];
  const [from, to] = forward ? [a, b] : [b, a];
  return {source: from.node, sourceHandle: from.handle, target: to.node, targetHandle: to.handle};
}

export function ConnectionLine(props) {
  const {fromX, fromY, toX, toY, fromPosition, toPosition, connectionStatus, toNode} = props;
  const [path] = getBezierPath({
    sourceX: fromX, sourceY: fromY, targetX: toX, targetY: toY, sourcePosition: fromPosition, targetPosition: toPosition,
  });
  const refused = connectionStatus === "invalid" && toNode;
  const reason = refused ? refusal(get().workflow, drawn(props)) ?? "These two ends do not fit together." : "";
  return (
    <g className="awe-connection" data-refused={refused || undefined}>
      <path d={path} fill="none" />
      {reason ? (
        <foreignObject x={toX - 130} y={toY + 14} width="260" height="60">
          <div className="awe-refusal"><span>{reason}</span></div>
        </foreignObject>
      ) : null}
    </g>
  );
}
