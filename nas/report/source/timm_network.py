"""The classes of a network as timm's models are built."""

from nas.report.source.program import Program

CHECKPOINTS = """        self.grad_checkpointing = False

    def forward(self, *x: Tensor) -> Tensor | tuple[Tensor, ...]:
        for block in self:
            y = checkpoint(block, *x, use_reentrant=False) if self.grad_checkpointing else block(*x)
            x = y if isinstance(y, tuple) else (y,)
        return x if len(x) > 1 else x[0]
"""
NETWORK = '''class Network(nn.Module):
    """Normalised images `(batch, in_chans, height, width)` -> one number for each class, `(batch, num_classes)`.

    Without classes it gives what the classifier would see, and with no `global_pool` either {features}.
    """

    def __init__(
        self,
        num_classes: int = {classes},
        in_chans: int = CHANNELS,
        global_pool: str = "{pool}",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.drop_rate, self.in_chans = drop_rate, in_chans
        self.num_features, self.head_hidden_size = {width}, {hidden}
        rates = (drop_path_rate * i / {last} for i in range({depth}))
        self.stem = {stem}
        self.stages = nn.Sequential({stages})
        self.feature_info = {info}
        self.head = {head}
        if num_classes:
            self._pool(num_classes, global_pool)
        else:
            self.reset_classifier(0, global_pool)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

{forward}

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Pool what `forward_features` gives, and classify it unless `pre_logits` are asked for."""
        if not self.global_pool:
            return x
        x = nn.functional.dropout(self.head.pooled({pooled}), self.drop_rate, self.training)
        return x if pre_logits else self.head.{classifier}(x)

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | list[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """Return the last features with the maps of all stages, of the last few (an int) or of some (a list)."""
        if output_fmt != "NCHW" or norm:
            raise ValueError("the maps are NCHW, without a norm")
        wanted = self._wanted(indices)
        {start}
        for index, stage in enumerate(self.stages[: max(wanted) + 1] if stop_early else self.stages):
{step}
            if index in wanted:
                maps.append(x)
{end}        return maps if intermediates_only else (x, maps)

    def prune_intermediate_layers(
        self, indices: int | list[int] = 1, prune_norm: bool = False, prune_head: bool = True
    ) -> list[int]:
        """Take out the stages after the last map that is asked for, and the classifier."""
        wanted = self._wanted(indices)
        self.stages = self.stages[: max(wanted) + 1]
        if prune_head:
            {prune}
        return wanted

    def get_classifier(self) -> nn.Module:
        return self.head.{classifier}

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put a new classifier in the place of the last one, or none for no classes."""
        self._pool(num_classes, self.global_pool if global_pool is None else global_pool)
        self.head.{classifier} = nn.Linear(self.head_hidden_size, num_classes) if num_classes else nn.Identity()

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations anew in the backward pass rather than keep them."""
        for stage in self.stages:
            stage.grad_checkpointing = enable

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """Tell by name which parameters learn at the same rate: those of a block, or of a stage if `coarse`."""
        return {{"stem": r"^stem", "blocks": r"^stages\\.(\\d+)" if coarse else r"^stages\\.(\\d+)\\.(\\d+)"}}

    def no_weight_decay(self) -> set[str]:
        """Name the parameters that are no matrices of layers, such as tables of positions."""
        names = (name for name, _ in self.named_parameters())
        return {{name for name in names if not name.endswith((".weight", ".bias"))}}

    def _pool(self, num_classes: int, global_pool: str) -> None:
        if global_pool not in ("", "{pool}"):
            raise ValueError(f"global_pool is '{pool}' or '', not '{{global_pool}}'")
        if num_classes and not global_pool:
            raise ValueError("a classifier needs global_pool='{pool}'")
        self.num_classes, self.global_pool = num_classes, global_pool

    def _wanted(self, indices: int | list[int] | None) -> list[int]:
        """List the stages that are asked for, counted from 0."""
        count = len(self.stages)
        if indices is None or isinstance(indices, int):
            indices = list(range(-(indices or count), 0))
        if not indices or not all(-count <= index < count for index in indices):
            raise ValueError(f"there are the stages 0 to {{count - 1}}, not {{indices}}")
        return [index % count for index in indices]
'''
FORWARD = '''    def forward_features(self, x: Tensor) -> Tensor:
        """Return the last map `(batch, {width}, height, width)`."""
        return self.stages(self.stem(x))'''
STEP = "            x = stage(x)"
FORWARD_TOKEN = '''    def forward_features(self, x: Tensor) -> Tensor:
        """Return tokens `(batch, 1 + height * width, {width})`, the class token first."""
        return self.forward_intermediates(x, indices=1)[0]'''
STEP_TOKEN = """            if index == {last_stage}:
                x, token = stage(x, self.head.token.expand(x.shape[0], -1, -1))
            else:
                x = stage(x)"""
END_TOKEN = """        if token is not None:
            x = torch.cat([token, x.flatten(2).transpose(1, 2)], dim=1)
"""


def network_text(program: Program, classifier: str) -> str:
    """Write the class `Network`, whose head has a linear layer named `classifier`."""
    architecture, token = program.architecture, program.wants_token
    stem, head = architecture.stem, architecture.head
    stages, width = architecture.stages, architecture.stages[-1].width
    info = [
        f'{{"num_chs": {stage.width}, "reduction": {reduction}, "module": "stages.{i}"}}'
        for i, (stage, reduction) in enumerate(zip(stages, program.reductions(), strict=True))
    ]
    linear = program.network.get_submodule(f"head.{classifier}")
    return NETWORK.format(
        classes="len(CLASSES)" if program.model is not None else architecture.classes,
        pool="token" if token else "avg",
        features="all tokens" if token else "the last map",
        width=width,
        hidden=linear.in_features,
        last=max(program.depth - 1, 1),
        depth=program.depth,
        stem=program.part_call(program.stem, "in_chans", str(stem.width), options=stem.options),
        stages=program.stage_calls().strip("[]"),
        info=f"[{', '.join(info)}]",
        head=program.part_call(program.head, str(width), "max(num_classes, 1)", options=head.options),
        forward=(FORWARD_TOKEN if token else FORWARD).format(width=width),
        pooled="x[:, :1]" if token else "x",
        start="x, token, maps = self.stem(x), None, []" if token else "x, maps = self.stem(x), []",
        step=STEP_TOKEN.format(last_stage=len(stages) - 1) if token else STEP,
        end=END_TOKEN if token else "",
        prune='self.reset_classifier(0, "")' if token else "self.head = nn.Identity()",
        classifier=classifier,
    )  # fmt: skip
