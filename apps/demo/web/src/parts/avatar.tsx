import { initials } from "../format.ts";

interface AvatarProps {
  readonly name: string;
  readonly picture: string | undefined;
  /** In the accent's colours: the one who has the floor, or a portrait on its own. */
  readonly tinted?: boolean;
}

/** A picture, or letters. Whatever stands around it says the name. */
export function Avatar({ name, picture, tinted = false }: AvatarProps) {
  const isPicture = picture !== undefined && /[/.:]/.test(picture);
  return (
    <span className={tinted ? "avatar tinted" : "avatar"} aria-hidden="true">
      {isPicture ? <img src={picture} alt="" /> : (picture ?? initials(name))}
    </span>
  );
}
