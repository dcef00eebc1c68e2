export function Brand({ title = "Repartee" }: { readonly title: string | undefined }) {
  return (
    <span className="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M6 13v6m5-9v12m5-16v20m5-15v10m5-7v4" />
      </svg>
      <span className="brand-name">{title}</span>
    </span>
  );
}
