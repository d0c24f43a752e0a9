// Icons by Lucide's names. Those of node types come from Python, which imports what the declarations name
// (canvas.py), so a new node type needs no change here; those below are the builder's own.

import AlertTriangle from "lucide-react/dist/esm/icons/triangle-alert.mjs";
import ArrowDown from "lucide-react/dist/esm/icons/arrow-down.mjs";
import ArrowUp from "lucide-react/dist/esm/icons/arrow-up.mjs";
import Box from "lucide-react/dist/esm/icons/box.mjs";
import Check from "lucide-react/dist/esm/icons/check.mjs";
import Chevrons from "lucide-react/dist/esm/icons/chevrons-up-down.mjs";
import CircleCheck from "lucide-react/dist/esm/icons/circle-check.mjs";
import CircleDashed from "lucide-react/dist/esm/icons/circle-dashed.mjs";
import CircleMinus from "lucide-react/dist/esm/icons/circle-minus.mjs";
import CirclePause from "lucide-react/dist/esm/icons/circle-pause.mjs";
import CircleSlash from "lucide-react/dist/esm/icons/circle-slash.mjs";
import CircleX from "lucide-react/dist/esm/icons/circle-x.mjs";
import LoaderCircle from "lucide-react/dist/esm/icons/loader-circle.mjs";
import Maximize from "lucide-react/dist/esm/icons/maximize.mjs";
import MessageCircle from "lucide-react/dist/esm/icons/message-circle.mjs";
import PanelRight from "lucide-react/dist/esm/icons/panel-right.mjs";
import Play from "lucide-react/dist/esm/icons/play.mjs";
import Plus from "lucide-react/dist/esm/icons/plus.mjs";
import Redo from "lucide-react/dist/esm/icons/redo-2.mjs";
import Search from "lucide-react/dist/esm/icons/search.mjs";
import Square from "lucide-react/dist/esm/icons/square.mjs";
import Trash from "lucide-react/dist/esm/icons/trash-2.mjs";
import Undo from "lucide-react/dist/esm/icons/undo-2.mjs";
import Wand from "lucide-react/dist/esm/icons/wand-sparkles.mjs";
import X from "lucide-react/dist/esm/icons/x.mjs";
import {useStore} from "./store.js";

const OWN = {
  "triangle-alert": AlertTriangle, "arrow-down": ArrowDown, "arrow-up": ArrowUp, box: Box, check: Check,
  chevrons: Chevrons,
  "circle-check": CircleCheck, "circle-dashed": CircleDashed, "circle-minus": CircleMinus, "circle-pause": CirclePause,
  "circle-slash": CircleSlash, "circle-x": CircleX, "loader-circle": LoaderCircle, maximize: Maximize,
  "message-circle": MessageCircle,
  "panel-right": PanelRight, play: Play, plus: Plus, redo: Redo, search: Search, square: Square, trash: Trash,
  undo: Undo, tidy: Wand, x: X,
};

export function Icon({name, size = 16, className}) {
  const declared = useStore((s) => s.icons[name]);
  const Shape = OWN[name] ?? declared ?? Box;
  return <Shape size={size} strokeWidth={1.75} className={className} aria-hidden="true" />;
}

const HUES = {AI: "iris", Logic: "amber", Data: "cyan", Flow: "green", People: "pink", Notes: "gray"};
export const categoryColor = (category) => HUES[category] ?? "gray";
