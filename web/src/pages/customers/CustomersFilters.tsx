import { ListFilter } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../../components/Button";
import { Checkbox, Input, Select } from "../../components/Field";
import { type Chip, FilterChips } from "../../components/FilterChips";
import { Popover } from "../../components/Popover";
import { SearchField } from "../../components/SearchField";
import { t } from "../../texts";
import styles from "./CustomersFilters.module.css";
import { type CustomersState, ORDERS } from "./customersUrl";

interface FiltersProps {
  url: CustomersState;
  setUrl: (changes: Partial<CustomersState>) => void;
}

const NONE = {
  tags: [],
  territory: undefined,
  locale: undefined,
  owner: undefined,
  has: undefined,
  contact: undefined,
  forgotten: false,
};

export function CustomersFilters({ url, setUrl }: FiltersProps) {
  return (
    <div className={styles.filters}>
      <div className={styles.bar}>
        <div className={styles.search}>
          <SearchField
            label={t("customers.search")}
            placeholder={t("customers.searchHint")}
            value={url.search}
            onChange={(search) => setUrl({ search })}
          />
        </div>
        <Popover label={t("filter.title")} trigger={<Button icon={<ListFilter />}>{t("filter.title")}</Button>}>
          <Panel url={url} setUrl={setUrl} />
        </Popover>
        <Select
          label={t("customers.order")}
          isLabelHidden
          value={url.order}
          options={ORDERS.map((order) => ({ value: order, label: t(`customers.orders.${order}`) }))}
          onChange={(order) => setUrl({ order })}
        />
      </div>
      <FilterChips chips={chips(url, setUrl)} onClear={() => setUrl(NONE)} />
    </div>
  );
}

function chips(url: CustomersState, setUrl: FiltersProps["setUrl"]): Chip[] {
  const words = (["territory", "locale", "owner"] as const).flatMap((name): Chip[] => {
    const value = url[name];
    if (!value) return [];
    return [{ label: `${t(`customers.column.${name}`)}: ${value}`, onRemove: () => setUrl({ [name]: undefined }) }];
  });
  const tags = url.tags.map((tag) => ({
    label: `${t("customers.tag")}: ${tag}`,
    onRemove: () => setUrl({ tags: url.tags.filter((one) => one !== tag) }),
  }));
  const others: (Chip | undefined)[] = [
    url.has && { label: t(`customers.has.${url.has}`), onRemove: () => setUrl({ has: undefined }) },
    url.contact && { label: t("customers.neverWrittenTo"), onRemove: () => setUrl({ contact: undefined }) },
    url.forgotten ? { label: t("customers.withForgotten"), onRemove: () => setUrl({ forgotten: false }) } : undefined,
  ];
  return [...tags, ...words, ...others.filter((chip) => chip !== undefined)];
}

function Panel({ url, setUrl }: FiltersProps) {
  const [tag, setTag] = useState("");
  const addTag = (event: FormEvent) => {
    event.preventDefault();
    const added = tag.trim();
    if (added && !url.tags.includes(added)) setUrl({ tags: [...url.tags, added] });
    setTag("");
  };
  return (
    <>
      <form onSubmit={addTag}>
        <Input
          label={t("customers.tag")}
          hint={t("customers.tagHint")}
          value={tag}
          onChange={(event) => setTag(event.target.value)}
        />
      </form>
      {(["territory", "locale", "owner"] as const).map((name) => (
        <Input
          key={name}
          label={t(`customers.column.${name}`)}
          defaultValue={url[name] ?? ""}
          onChange={(event) => setUrl({ [name]: event.target.value.trim() || undefined })}
        />
      ))}
      <Select
        label={t("customers.reachable")}
        value={url.has ?? ""}
        options={[
          { value: "", label: t("filter.any") },
          { value: "email", label: t("customers.has.email") },
          { value: "phone", label: t("customers.has.phone") },
        ]}
        onChange={(has) => setUrl({ has: has || undefined })}
      />
      <Checkbox
        label={t("customers.neverWrittenTo")}
        checked={url.contact === "never"}
        onChange={(event) => setUrl({ contact: event.target.checked ? "never" : undefined })}
      />
      <Checkbox
        label={t("customers.withForgotten")}
        checked={url.forgotten}
        onChange={(event) => setUrl({ forgotten: event.target.checked })}
      />
    </>
  );
}
