"""The shell that every app's `api/` is built from. What a view looks like, and where its parts come from:

    from kernel.api.operations import operation
    from kernel.api.serializers import In, Out, Query
    from kernel.api.views import ApiView
    from kernel.api import fields

    class JobIn(In):                        # refuses unknown fields; `fields` refuse what is not exactly meant
        EXAMPLE = {"title": "Digits", "reward_minor": 4}
        title = fields.LineField(max_length=200)
        reward_minor = fields.MoneyMinorField()

    class JobOut(Out):                      # shows; never saves
        EXAMPLE = {"id": "6f0c…", "title": "Digits", "reward_minor": 4}
        id = fields.UUIDField()
        title = fields.LineField()
        reward_minor = fields.MoneyMinorField()

    class JobQuery(Query):                  # what may stand behind the `?`; anything else is a 400
        state = fields.ChoiceField(choices=Job.State.choices, required=False)

    class JobsView(ApiView):
        @operation("List jobs", query=JobQuery, answer=JobOut, paged=True)
        def get(self, request: Request) -> Response:
            asked = self.read_query()
            rows = self.permit.among(Job.objects.all())  # those that the policy opens to whoever asks
            return self.page(rows.filter(**asked), JobOut, order_by=("-created_at", "-id"))

        @operation("Post a job", body=JobIn, answer=JobOut, status=201, creates=True, errors=[InsufficientFunds])
        def post(self, request: Request) -> Response:
            '''What it does, in a few sentences: this docstring is the operation's description.'''
            asked = self.read_body()
            job = post_job(**asked, by=self.actor)
            return self.answer(JobOut(job), status=201)

- `operation` describes the operation for the schema with all its errors, names the body and the query it reads,
  refuses query parameters that it does not know, and with `creates=True` honours the `Idempotency-Key` header: then the
  key and the effect commit in one transaction. `errors` lists `Refused`, `Invalid` and `NotFound` classes: their `code`
  and the first paragraph of their docstring (a sentence to the API's user) stand in the docs. The name ("Post a job")
  is unique and becomes the operation's id.
- Errors are raised, never returned: `kernel.errors.*`, a model's `DoesNotExist` (404), DRF's own; `errors.py` answers.
- `self.user` is the signed-in `User`, `self.actor` the `Actor` for services, `self.request.auth` the session or key.
- `self.page` takes `order_by` with a unique last column, all ascending or all descending.
- A large body that is not one JSON object: `kernel.api.uploads.UploadView` with `upload_types`,
  `operation(uploads={media type: example})` and `self.read_upload()`, a file; the Idempotency-Key works there too.
- Who may use an operation stands in the policy table (`marketplace/policy`) under the operation's id, and nowhere else:
  a view declares no permissions. `self.permit` is what the table lets whoever asks do, `self.principal` who they are.
- Each app's `api/urls.py` has `urlpatterns`; `marketplace/urls.py` puts them under `/api/v1/`.
"""
