// The canvas: React Flow owns positions, selection and dragging; the store owns the document.
// Nothing here is re-rendered by what Reflex sends: `WorkflowCanvas` writes its props into the store and renders a
// canvas without props. See store.js for the wire protocol.

import {memo, useCallback, useEffect, useLayoutEffect, useRef, useSyncExternalStore} from "react";
import {
  Background, BackgroundVariant, Controls, MiniMap, ReactFlow, ReactFlowProvider, SelectionMode, useEdgesState,
  useNodesInitialized, useNodesState, useReactFlow,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import "./builder.css";
import {refusal} from "./document.js";
import {acknowledge, close, commit, get, hint, open, select, set, setFaces, setHandlers, useStore} from "./store.js";
import {ConnectionLine, drawn, edgeTypes} from "./edge.jsx";
import {kindOf, nodeTypes} from "./node.jsx";
import {Adder} from "./adder.jsx";
import {useKeys} from "./keys.js";
import {addNode, connect, fit, openAdder, reveal, setFlow, splice} from "./actions.js";

const DRAG_TYPE = "application/awe-node";
const FAR = 0.25; // below this zoom nobody can read, and small print is not painted

// Constants on purpose: React Flow compares its options by identity and tells every node when one is new.
const OPTIONS = {
  snapToGrid: true, snapGrid: [10, 10], deleteKeyCode: null, disableKeyboardA11y: true, zoomOnDoubleClick: false,
  minZoom: 0.05, maxZoom: 2, selectionKeyCode: "Shift", selectionMode: SelectionMode.Partial, connectionRadius: 28,
  proOptions: {hideAttribution: true}, nodeDragThreshold: 2, defaultViewport: {x: 80, y: 80, zoom: 1},
  elevateNodesOnSelect: true, connectionLineComponent: ConnectionLine, nodeTypes, edgeTypes, onConnect: connect,
};

/** React Flow's nodes for the document; nodes that did not change stay the same objects. */
function reconcileNodes(before, workflow, selected) {
  const known = new Map(before.map((node) => [node.id, node]));
  const chosen = new Set(selected);
  return workflow.nodes.map((spec) => {
    const old = known.get(spec.id);
    const [x, y] = [spec.position?.x ?? 0, spec.position?.y ?? 0];
    const same = old && old.position.x === x && old.position.y === y && !!old.selected === chosen.has(spec.id);
    if (same && old.type === kindOf(spec.type)) return old;
    return {...old, id: spec.id, type: kindOf(spec.type), position: {x, y}, selected: chosen.has(spec.id), data: old?.data ?? {}};
  });
}

function reconcileEdges(before, workflow) {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  return workflow.edges.map((edge) => {
    const old = known.get(edge.id);
    const [from, to] = [edge.source_handle ?? null, edge.target_handle ?? null];
    const same = old && old.source === edge.source && old.target === edge.target
      && old.sourceHandle === from && old.targetHandle === to;
    return same ? old : {
      id: edge.id, type: "awe", source: edge.source, target: edge.target, sourceHandle: from, targetHandle: to,
      selected: !!old?.selected, data: {},
    };
  });
}

/** React Flow marks its element `light` or `dark`, and Radix reads such a mark: it must be the page's. */
const root = () => document.documentElement;
const watchTheme = (changed) => {
  const observer = new MutationObserver(changed);
  observer.observe(root(), {attributes: true, attributeFilter: ["class"]});
  return () => observer.disconnect();
};
const useTheme = () => useSyncExternalStore(watchTheme, () => (root().classList.contains("dark") ? "dark" : "light"));

const Flow = memo(function Flow() {
  const workflow = useStore((s) => s.workflow);
  const revision = useStore((s) => s.revision);
  const session = useStore((s) => s.session);
  const loaded = useStore((s) => s.loaded);
  const selected = useStore((s) => s.selected);
  const [nodes, setNodes, onNodesChange] = useNodesState([]);
  const [edges, setEdges, onEdgesChange] = useEdgesState([]);
  const theme = useTheme();
  const flow = useReactFlow();
  const initialized = useNodesInitialized();
  const fitted = useRef("");
  const chosenEdges = useRef([]);
  const box = useRef(null);

  useEffect(() => { setFlow(flow); }, [flow]);
  useLayoutEffect(() => {
    setNodes((now) => reconcileNodes(now, workflow, get().selected));
    setEdges((now) => reconcileEdges(now, workflow));
  }, [workflow, revision, selected, setNodes, setEdges]);
  useEffect(() => {
    if (!initialized || fitted.current === session) return;
    fitted.current = session;
    fit();
  }, [initialized, session]);

  const onSelectionChange = useCallback(({nodes: chosen, edges: wires}) => {
    chosenEdges.current = wires.map((e) => e.id);
    select(chosen.map((n) => n.id));
  }, []);
  const onNodeDragStop = useCallback((_event, _node, moved) => {
    const positions = {};
    for (const {id, position} of moved) {
      const at = get().specs.get(id)?.position;
      if (at && (at.x !== position.x || at.y !== position.y)) positions[id] = {x: position.x, y: position.y};
    }
    if (Object.keys(positions).length) commit({op: "move", positions});
  }, []);
  const onSelectionDragStop = useCallback((event, moved) => onNodeDragStop(event, null, moved), [onNodeDragStop]);
  const isValidConnection = useCallback((connection) => !refusal(get().workflow, connection), []);
  const onConnectEnd = useCallback((event, connection) => {
    if (connection.isValid || !connection.fromNode) return;
    const point = event.changedTouches?.[0] ?? event;
    const under = document.elementFromPoint(point.clientX, point.clientY);
    const wire = drawn(connection);
    if (connection.toHandle) {
      hint(refusal(get().workflow, wire) ?? "These two ends do not fit together.");
      return;
    }
    const kind = connection.fromHandle?.type === "target" ? "target" : "source";
    const node = under?.closest(".react-flow__node")?.dataset.id;
    if (node && node !== connection.fromNode.id) {
      const from = connection.fromNode.id;
      const handle = connection.fromHandle?.id;
      connect(kind === "source" ? {source: from, sourceHandle: handle, target: node}
        : {source: node, target: from, targetHandle: handle});
      return;
    }
    if (node || !under?.closest(".react-flow__pane, .react-flow__renderer")) return;
    const position = flow.screenToFlowPosition({x: point.clientX, y: point.clientY});
    openAdder({
      screen: {x: point.clientX, y: point.clientY},
      position: {x: kind === "source" ? position.x : position.x - 216, y: position.y - 28},
      join: {node: connection.fromNode.id, handle: connection.fromHandle?.id, kind},
    });
  }, [flow]);
  const onDrop = useCallback((event) => {
    const type = event.dataTransfer.getData(DRAG_TYPE);
    if (!type) return;
    event.preventDefault();
    const at = flow.screenToFlowPosition({x: event.clientX, y: event.clientY});
    const position = {x: at.x - 108, y: at.y - 28};
    const wire = document.elementsFromPoint(event.clientX, event.clientY).find((e) => e.closest?.(".react-flow__edge"));
    const edge = wire?.closest(".react-flow__edge")?.dataset.id;
    if (edge) splice(type, edge, position);
    else addNode(type, {position});
  }, [flow]);
  const onDragOver = useCallback((event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  }, []);
  const onDoubleClick = useCallback((event) => {
    if (!event.target.classList.contains("react-flow__pane")) return;
    const at = flow.screenToFlowPosition({x: event.clientX, y: event.clientY});
    openAdder({screen: {x: event.clientX, y: event.clientY}, position: {x: at.x, y: at.y - 28}});
  }, [flow]);
  const onMoveStart = useCallback(() => { box.current.dataset.moving = ""; }, []);
  const onMove = useCallback((_event, {zoom}) => { box.current.toggleAttribute("data-far", zoom < FAR); }, []);
  const onMoveEnd = useCallback(() => { delete box.current.dataset.moving; }, []);
  useKeys(chosenEdges);

  return (
    <div className="awe-flow" ref={box} data-testid="canvas" role="application" aria-label="Workflow canvas"
      tabIndex={-1} onDrop={onDrop} onDragOver={onDragOver} onDoubleClick={onDoubleClick}>
      <ReactFlow {...OPTIONS} nodes={nodes} edges={edges} onNodesChange={onNodesChange} onEdgesChange={onEdgesChange}
        onSelectionChange={onSelectionChange} onNodeDragStop={onNodeDragStop} onSelectionDragStop={onSelectionDragStop}
        onConnectEnd={onConnectEnd} isValidConnection={isValidConnection} colorMode={theme}
        onMoveStart={onMoveStart} onMove={onMove} onMoveEnd={onMoveEnd} onlyRenderVisibleElements={nodes.length > 300}>
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} color="var(--gray-6)" />
        <Controls showInteractive={false} position="bottom-left" />
        {nodes.length > 2 ? <MiniMap pannable zoomable position="bottom-right" nodeColor="var(--gray-7)" nodeBorderRadius={8} /> : null}
      </ReactFlow>
      {loaded && !workflow.nodes.length ? <Empty /> : null}
      {loaded ? null : <div className="awe-loading" role="status"><span className="awe-spin" />Opening the workflow…</div>}
      <Hint />
      <Adder />
    </div>
  );
});

function Empty() {
  return (
    <div className="awe-empty">
      <strong>Nothing here yet</strong>
      <span>Drag a node from the left, or press <kbd>/</kbd> to add one.</span>
      <button type="button" className="awe-button" onClick={() => addNode("input")}>Start with an input</button>
    </div>
  );
}

function Hint() {
  const text = useStore((s) => s.hint);
  return <div className="awe-hint" role="status" aria-live="polite" data-shown={!!text || undefined}>{text}</div>;
}

/** The open workflow, unsaved edits included, for tests and tools. */
const WorkflowJson = memo(function WorkflowJson() {
  const place = useRef(null);
  const workflow = useStore((s) => s.workflow);
  const loaded = useStore((s) => s.loaded);
  useLayoutEffect(() => {
    let script = place.current.firstChild;
    if (!loaded) return;
    if (!script) {
      script = document.createElement("script");
      script.type = "application/json";
      script.dataset.testid = "workflow-json";
      place.current.append(script);
    }
    script.textContent = JSON.stringify(workflow);
  }, [workflow, loaded]);
  return <span ref={place} hidden />;
});

export function WorkflowCanvas({
  document: file, revision, faces, issues, findings, saved, history, settled, recent, preview, execution, io, choices, tools, cards,
  icons, onEdit, onChoose, onSelect, onRun, onStop,
}) {
  useLayoutEffect(() => {
    setHandlers({send: onEdit, choose: onChoose, select: onSelect, run: onRun, stop: onStop});
  }, [onEdit, onChoose, onSelect, onRun, onStop]);
  useLayoutEffect(() => {
    // constants of the build, which Reflex hands over as new objects each time the page is drawn
    const plain = (card) => ({...card, description: card.description.replaceAll("`", "")});
    set({cards: new Map(cards.map((card) => [card.type, plain(card)])), tools: tools.map(plain), icons});
  }, []);
  useLayoutEffect(() => { open(file, revision); }, [file, revision]);
  useEffect(() => close, []);
  useEffect(() => { setFaces(faces ?? {}); }, [faces]);
  useEffect(() => { set({issues: issues ?? {}}); }, [issues]);
  useEffect(() => { acknowledge(saved); }, [saved]);
  useEffect(() => { set({history: history ?? {undo: 0, redo: 0}}); }, [history]);
  useEffect(() => { set({statuses: {...settled, ...recent}}); }, [settled, recent]);
  useEffect(() => { set({preview: preview ?? {}}); }, [preview]);
  useEffect(() => {
    const before = get().execution;
    set({execution: execution ?? {}});
    const failedNow = execution?.status === "failed" && before.id === execution.id && before.status !== "failed";
    if (failedNow && execution.failed_at) reveal(execution.failed_at);
  }, [execution]);
  useEffect(() => { set({io: io ?? {}}); }, [io]);
  useEffect(() => { set({findings: findings ?? {}}); }, [findings]);
  useEffect(() => { set({choices: choices ?? {}}); }, [choices]);
  return <ReactFlowProvider><Flow /><WorkflowJson /></ReactFlowProvider>;
}

