"""Built-in workflows over REST."""

from fastapi import APIRouter, Response

from awe_app.api.deps import CurrentUser, Paged, json_response
from awe_app.api.shapes import PageShape, TemplateShape, WorkflowShape
from awe_app.services import services

router = APIRouter(prefix="/templates", tags=["templates"])


@router.get("", response_model=PageShape[TemplateShape])
async def list_all(page: Paged, user: CurrentUser) -> Response:
    """Workflows to start from."""
    found = await services().templates.list(page.query())
    return json_response(found.as_json(lambda template: template.as_json()))


@router.get("/{template_id}", response_model=TemplateShape)
async def get(template_id: str, user: CurrentUser) -> Response:
    """One template."""
    return json_response((await services().templates.get(template_id)).as_json())


@router.post("/{template_id}/use", status_code=201, response_model=WorkflowShape)
async def use(template_id: str, user: CurrentUser) -> Response:
    """Make a workflow of your own out of a template. Nothing is run."""
    return json_response((await services().templates.use(user, template_id)).as_json(), 201)
